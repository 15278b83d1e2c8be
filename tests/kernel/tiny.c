// SPDX-License-Identifier: Apache-2.0
/* The smallest program: ends at once. What an exec of it costs is the exec. */
int main(void)
{
	return 0;
}
