#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From a bare Debian 12 or 13 to a running Tercel:
#
#   sudo ./bootstrap.sh demo      install what the build needs, build, show detection and blocking on this kernel
#   sudo ./bootstrap.sh test      the same set-up, then every test; the last line is "N passed, N failed, N skipped"
#   sudo ./bootstrap.sh build     the set-up and the build only
#
# Safe to repeat. Leaves behind the installed packages, the build directories and the cache (TERCEL_CACHE, by default
# /var/cache/tercel); no process, mount, cgroup or pinned object.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

export DEBIAN_FRONTEND=noninteractive
export TERCEL_CACHE=${TERCEL_CACHE:-/var/cache/tercel}

packages=(
	build-essential cmake ninja-build pkg-config git
	clang-19 llvm-19 libclang-rt-19-dev clang-format-19 clang-tidy-19 # clang also compiles the kernel programs
	bpftool libbpf-dev libelf-dev zlib1g-dev                          # the skeleton and its loader
	libyaml-dev libpcre2-dev libcjson-dev
	libcmocka-dev debootstrap python3 busybox-static util-linux       # tests and the demo
)

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "bootstrap.sh: $*"
	exit 2
}

install_packages() {
	local missing=() p
	for p in "${packages[@]}"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "needs root to install: ${missing[*]}; run it with sudo"
	say "Installing: ${missing[*]}"
	local log
	log=$(mktemp)
	if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "could not install the packages above: check the network and the apt sources"
	fi
	rm -f "$log"
}

# build PRESET: quiet when it works, the whole log when it does not.
build() {
	local log
	log=$(mktemp)
	say "Building ($1)"
	if ! { cmake --preset "$1" && cmake --build --preset "$1"; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "the build of preset '$1' failed, see above"
	fi
	rm -f "$log"
}

# run_tests BUILD_DIRECTORY CTEST_ARGUMENT…: adds to passed, failed, skipped. A run that finds no test is a failure.
passed=0 failed=0 skipped=0
run_tests() {
	local dir=$1 report
	shift
	report=$dir/tests.xml
	rm -f "$report"
	ctest --test-dir "$dir" --output-on-failure --no-tests=error --output-junit tests.xml "$@" || true
	local counts
	counts=$(sed -n 's/.*tests="\([0-9]*\)".*/tests=\1/p; s/.*failures="\([0-9]*\)".*/failures=\1/p;
		s/.*disabled="\([0-9]*\)".*/disabled=\1/p; s/.*skipped="\([0-9]*\)".*/skipped=\1/p' "$report" 2>/dev/null | head -n 4)
	local tests=0 failures=0 disabled=0 skips=0 key value
	while IFS='=' read -r key value; do
		case $key in
		tests) tests=$value ;;
		failures) failures=$value ;;
		disabled) disabled=$value ;;
		skipped) skips=$value ;;
		esac
	done <<<"$counts"
	if [ "$tests" = 0 ]; then
		say "bootstrap.sh: no test ran in $dir"
		failed=$((failed + 1))
		return 0
	fi
	passed=$((passed + tests - failures - disabled - skips))
	failed=$((failed + failures))
	skipped=$((skipped + disabled + skips))
}

cmd_test() {
	install_packages
	build default
	build asan
	build fuzz
	say "Tests"
	run_tests build -j2
	say "Tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	run_tests build-asan -j2 -L 'unit|property'
	say "Fuzzers"
	run_tests build-fuzz -j2 -L fuzz
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" = 0 ]
}

cmd_demo() {
	install_packages
	build default
	exec tests/demo/demo build
}

case ${1-} in
demo) cmd_demo ;;
test) cmd_test ;;
build)
	install_packages
	build default
	;;
-h | --help | help | '')
	sed -n '4,10s/^# \{0,1\}//p' "$0"
	[ "${1-}" ] || exit 2
	;;
*) die "unknown command '$1': demo, test or build" ;;
esac
