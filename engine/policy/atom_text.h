/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atoms in words, for people who look into a policy. Knows atoms and the matcher's domains.
 */
#ifndef TERCEL_POLICY_ATOM_TEXT_H
#define TERCEL_POLICY_ATOM_TEXT_H

#include "base/buf.h"
#include "policy/atoms.h"

/* Adds the atom as one line: domain, test, values. Errors stick in the buffer. */
void atom_print(struct buf *out, const struct atom *a);

#endif
