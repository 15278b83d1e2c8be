#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares our regular expressions with the chroot's RE2: regex_check.sh BUILD_DIRECTORY [OPTION OF regex_differential]…
# 77: there is no chroot.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
build=$1
shift
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp "$here/regex_oracle.cpp" "$out"
"$here/chroot" run sh -euc 'g++ -std=c++17 -O2 -Wall -o "$1/oracle" "$1/regex_oracle.cpp" $(pkg-config --cflags --libs re2)' sh "$out"
"$build/bin/falco_regex" "$@" -- "$here/chroot" run "$out/oracle"
