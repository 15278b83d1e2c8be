#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles and runs abi_check.cpp in the chroot. 77: there is none.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
repo=$(readlink -f "$here/../..")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$here/chroot" run --bind "$repo" sh -euc '
	repo=$1 out=$2
	gcc -std=gnu17 -I"$repo" -c "$repo/compat/events.c" -o "$out/events.o"
	g++ -std=gnu++20 -Wall -Werror -I"$repo" "$repo/tests/falco/abi_check.cpp" "$out/events.o" -o "$out/check" \
		$(pkg-config --cflags --libs libscap)
	"$out/check"' sh "$repo" "$out"
