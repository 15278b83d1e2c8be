/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of Linux capabilities (include/uapi/linux/capability.h), which are libsinsp's as well. Knows nothing else.
 */
#ifndef TERCEL_COMPAT_CAPABILITIES_H
#define TERCEL_COMPAT_CAPABILITIES_H

/* "CAP_CHOWN" for bit 0 and so on; NULL from the first unknown bit on. */
const char *capability_name(unsigned int bit);

#endif
