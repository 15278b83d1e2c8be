#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Breaks the compiler and the matcher in each of the ways that engine/policy/mutation.h names, and asks of the test of
# the law ($1) that it fails each time, for the law's sake; and that it passes when nothing is broken.
set -u
law=$1
TERCEL_SEED=${TERCEL_SEED:-1} TERCEL_CASES=${TERCEL_CASES:-140000}
export TERCEL_SEED TERCEL_CASES
failed=0
caught=0

names=$(TERCEL_MUTATION=names "$law") || exit 1
for name in $names; do
	out=$(TERCEL_MUTATION=$name "$law" 2>&1)
	status=$?
	found=$(printf '%s\n' "$out" | grep -m 1 'TERCEL_SEED=[0-9]*: ')
	if [ "$name" = none ]; then
		[ $status -eq 0 ] && continue
		printf 'nothing is broken, and the law does not hold:\n%s\n' "$out"
		failed=1
	elif [ $status -eq 0 ] || [ -z "$found" ]; then
		printf '%s: NOT NOTICED (exit status %s)\n' "$name" $status
		failed=1
	else
		printf '%s: %s\n' "$name" "${found#*TERCEL_SEED=}"
		caught=$((caught + 1))
	fi
done
printf '%s of 10 noticed\n' $caught
[ $caught -eq 10 ] && [ $failed -eq 0 ]
