#!/bin/sh
# Fuzzes one target, or all of them one after the other, and adds what was found to reach new code to the corpora kept
# in the repository with `run.sh keep TARGET`. See README.md.
set -eu
cd "$(dirname "$0")"

tools=${CLOAKROOM_DEV_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/cloakroom/tools}
seconds=${FUZZ_SECONDS:-1200}
PATH=$PATH:$tools/bin

say() { printf '\033[1m[cloakroom]\033[0m %s\n' "$*" >&2; }

if ! rustup toolchain list | grep -q '^nightly'; then
	say "cargo-fuzz wants a nightly compiler: rustup toolchain install nightly --profile minimal"
	exit 1
fi
if ! command -v cargo-fuzz >/dev/null 2>&1; then
	say "installing cargo-fuzz into $tools (once; about a minute)"
	(cd / && cargo +nightly install cargo-fuzz --locked --root "$tools")
fi

# Our code is safe Rust, so that an address sanitizer would halve the speed to watch over other people's.
fuzz() { # fuzz TARGET CORPUS... -- LIBFUZZER OPTIONS...
	cargo +nightly fuzz run --sanitizer none --codegen-units 16 "$@"
}

# The corpus kept in the repository, beside the tests of the crate that the target belongs to.
kept() {
	for crate in oidc bff; do
		[ -d "../crates/$crate/tests/corpus/$1" ] && echo "../crates/$crate/tests/corpus/$1" && return
	done
	say "there is no corpus for $1"
	exit 1
}

drive() {
	kept=$(kept "$1")
	mkdir -p "corpus/$1"
	set -- "$1" "corpus/$1" "$kept" -- "-max_total_time=$seconds" -timeout=10 -print_final_stats=1
	[ -f "dictionaries/$1.dict" ] && set -- "$@" "-dict=dictionaries/$1.dict"
	say "fuzzing $1 for $seconds seconds"
	fuzz "$@"
}

case ${1:-all} in
all)
	for program in fuzz_targets/*.rs; do
		drive "$(basename "$program" .rs)"
	done
	;;
keep)
	# Merged by edges alone, without how often each was taken: a small corpus that reaches all that was reached.
	fuzz "$2" "$(kept "$2")" "corpus/$2" -- -merge=1 -use_counters=0 -max_len=2048
	;;
*) drive "$1" ;;
esac
