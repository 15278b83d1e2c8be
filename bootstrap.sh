#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From a bare Debian 12 or 13 to a running Tercel:
#
#   sudo ./bootstrap.sh demo      install what the build needs, build, show detection and blocking on this kernel
#   sudo ./bootstrap.sh test      the same set-up, then every test; the last line is "N passed, N failed, N skipped"
#                                 (in virtual machines with Linux 6.1 and 7.x, too; --all-kernels: 5.10 and 6.12 as
#                                 well; --no-kernels: in none)
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
	e2fsprogs                                                         # file systems of virtual machines
	xz-utils                                                          # their modules are compressed
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

# QEMU, for the tests in virtual machines. That of Debian 12 itself crashes guests with Linux 6.12: there it is taken from the
# backports, without making them one of this machine's sources. Without it those tests fail, and say why.
install_qemu() {
	local version log status=0
	version=$(dpkg-query -W -f '${db:Status-Status} ${Version}' qemu-system-x86 2>/dev/null | sed -n 's/^installed //p')
	[ -z "$version" ] || ! dpkg --compare-versions "$version" ge 1:10 || return 0
	[ "$(id -u)" = 0 ] || return 0
	say "Installing: qemu-system-x86"
	log=$(mktemp)
	if grep -q '^VERSION_CODENAME=bookworm$' /etc/os-release; then
		tests/vm/suite --own bookworm-backports apt-get install -y --no-install-recommends -t bookworm-backports qemu-system-x86 \
			>"$log" 2>&1 || status=$?
	else
		{ apt-get update && apt-get install -y --no-install-recommends qemu-system-x86; } >"$log" 2>&1 || status=$?
	fi
	[ $status = 0 ] || tail -n 5 "$log" >&2
	rm -f "$log"
}

# build PRESET [CMAKE_ARGUMENT…]: quiet when it works, the whole log when it does not.
build() {
	local log preset=$1
	shift
	log=$(mktemp)
	say "Building ($preset)"
	if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "the build of preset '$preset' failed, see above"
	fi
	rm -f "$log"
}

# run_tests BUILD_DIRECTORY CTEST_ARGUMENT…: adds to passed, failed, skipped. What could not be run has failed: a skip is only
# what a test itself asked for.
passed=0 failed=0 skipped=0
run_tests() {
	local dir=$1 status=0 p f s
	shift
	rm -f "$dir/tests.xml"
	ctest --test-dir "$dir" --output-on-failure --no-tests=error --output-junit tests.xml "$@" || status=$?
	read -r p f s < <(/usr/bin/python3 tests/check/count.py "$dir/tests.xml" "$status")
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
}

# cmd_test [--all-kernels|--no-kernels]: with the oldest and the newest of Debian's kernels that are supported in virtual
# machines as well, with all of them, or with none
cmd_test() {
	local without='^vm_(5_10|6_12)'
	case ${1-} in
	'') ;;
	--all-kernels) without='^$' ;;
	--no-kernels) without='^vm_' ;;
	*) die "unknown option '$1': test [--all-kernels|--no-kernels]" ;;
	esac
	install_packages
	[ "$without" = '^vm_' ] || install_qemu
	build default -DTERCEL_MUTATION=ON # also compilers that are broken on purpose: the proofs must notice
	build asan
	build fuzz
	say "Tests"
	run_tests build -j2 -E "$without"
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
test) cmd_test "${@:2}" ;;
build)
	install_packages
	build default
	;;
-h | --help | help | '')
	sed -n '4,11s/^# \{0,1\}//p' "$0"
	[ "${1-}" ] || exit 2
	;;
*) die "unknown command '$1': demo, test or build" ;;
esac
