// SPDX-License-Identifier: Apache-2.0
/* A program that says by its exit status which one it is (SELF, 0 or 1), and whether its argument ends in 1 (2 more).
 */
int main(int argc, char **argv)
{
	const char *last = argc > 1 ? argv[1] : "";

	while (*last && last[1])
		last++;
	return SELF + (*last == '1' ? 2 : 0);
}
