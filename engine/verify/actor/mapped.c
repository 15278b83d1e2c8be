/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that says that it has run: with a library, so that the loader maps it into memory itself. One without, the
 * loader starts as the kernel would.
 */
#include "verify/protocol.h"

int main(void)
{
	return ACTOR_THROUGH;
}
