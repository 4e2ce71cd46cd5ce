#!/bin/sh
# What building the site needs beside cargo: the wasm32 target, wasm-bindgen of the very version in Cargo.lock, and
# wasm-opt. What is there is kept; what is missing is installed into a folder of ours, and said so.
set -eu
cd "$(dirname "$0")/.."

tools=${CLOAKROOM_DEV_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/cloakroom/tools}
binaryen=132.0.0

say() { printf '\033[1m[cloakroom]\033[0m %s\n' "$*" >&2; }
need() {
	command -v "$1" >/dev/null 2>&1 && return 0
	say "$1 is missing: $2"
	exit 1
}

need cargo "install Rust from https://rustup.rs and open a new shell"
need rustup "install Rust from https://rustup.rs (the wasm32 target is added with it)"
need cc "install a C compiler (Debian: apt-get install build-essential; macOS: xcode-select --install)"
need node "install Node.js 20.12 or newer from https://nodejs.org"
need npm "install npm, which comes with Node.js"
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 12) ? 0 : 1)'; then
	say "Node.js $(node --version) is too old: install version 20.12 or newer"
	exit 1
fi

if ! rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown; then
	say "adding the wasm32 target to the Rust toolchain"
	rustup target add wasm32-unknown-unknown
fi

wanted=$(awk '$1 == "name" && $3 == "\"wasm-bindgen\"" { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock)
if [ "$("$tools/bin/wasm-bindgen" --version 2>/dev/null)" != "wasm-bindgen $wanted" ]; then
	if [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $wanted" ]; then
		mkdir -p "$tools/bin"
		ln -sf "$(command -v wasm-bindgen)" "$tools/bin/wasm-bindgen"
	else
		say "installing wasm-bindgen $wanted into $tools (once; some minutes)"
		# Not --locked: its lock file names a crate that is no longer served.
		(cd / && cargo install "wasm-bindgen-cli@$wanted" --no-default-features --root "$tools" --force)
	fi
fi

if [ "$(node -p "try { require('$tools/node_modules/binaryen/package.json').version } catch { '' }")" != "$binaryen" ]; then
	say "installing wasm-opt (binaryen $binaryen) into $tools (once)"
	mkdir -p "$tools"
	npm install --prefix "$tools" --no-save --no-audit --no-fund --loglevel=error "binaryen@$binaryen"
fi

printf '%s\n' "$tools"
