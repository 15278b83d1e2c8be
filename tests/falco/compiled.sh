#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# compiled.sh TEST.cpp PACKAGE [SOURCE.c…]: compiles TEST.cpp of this directory with SOURCEs of the repository in the
# chroot, links it with PACKAGE (libscap, libsinsp), and runs it there. 77: there is no chroot.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
repo=$(readlink -f "$here/../..")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$here/chroot" run --bind "$repo" sh -euc '
	out=$1 test=$2 package=$3
	cd "$4"
	shift 4
	for source in "$@"; do
		gcc -std=gnu17 -O1 -D_GNU_SOURCE -I. -Iengine -c "$source" -o "$out/$(basename "$source" .c).o"
	done
	g++ -std=gnu++20 -O1 -Wall -Werror -I. -Iengine "tests/falco/$test" "$out"/*.o -o "$out/test" $(pkg-config --cflags --libs "$package" libscap)
	"$out/test"' sh "$out" "$1" "$2" "$repo" "${@:3}"
