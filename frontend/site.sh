#!/bin/sh
# Builds target/site: WebAssembly, its JavaScript, styles and assets, each with a Brotli and a gzip copy beside it.
# The same files as `cargo leptos build --release` makes, without needing that tool.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\033[1m[cloakroom]\033[0m %s\n' "$*" >&2; }
tools=$(sh frontend/tools.sh)
target=${CARGO_TARGET_DIR:-target}
site=target/site

say "building the frontend (WebAssembly)"
cargo build --locked --package frontend --lib --target wasm32-unknown-unknown --profile wasm-release
built="$target/wasm32-unknown-unknown/wasm-release/frontend.wasm"

# Nothing to do where the last site was made of the same things.
stamp=$(cat "$built" style/main.css frontend/site.sh $(find style/assets -type f | sort) | cksum)
if [ "$(cat "$site/.stamp" 2>/dev/null)" = "$stamp" ]; then
	say "the site is up to date"
	exit 0
fi

say "building the site"
rm -rf "$site"
mkdir -p "$site/pkg"
"$tools/bin/wasm-bindgen" --target web --no-typescript --out-name cloakroom --out-dir "$site/pkg" "$built"
node "$tools/node_modules/binaryen/bin/wasm-opt" -Oz --strip-debug --strip-producers --enable-bulk-memory \
	--enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals --enable-reference-types --enable-multivalue \
	"$site/pkg/cloakroom_bg.wasm" -o "$site/pkg/cloakroom_bg.opt.wasm"
mv "$site/pkg/cloakroom_bg.opt.wasm" "$site/pkg/cloakroom_bg.wasm"
# Leptos asks for the WebAssembly under the output's own name.
mv "$site/pkg/cloakroom_bg.wasm" "$site/pkg/cloakroom.wasm"
sed 's/cloakroom_bg\.wasm/cloakroom.wasm/g' "$site/pkg/cloakroom.js" >"$site/pkg/cloakroom.js.new"
mv "$site/pkg/cloakroom.js.new" "$site/pkg/cloakroom.js"
cp style/main.css "$site/pkg/cloakroom.css"
cp -R style/assets/. "$site/"
node frontend/compress.mjs "$site"
printf '%s\n' "$stamp" >"$site/.stamp"
say "the site is in $site: $(wc -c <"$site/pkg/cloakroom.wasm") bytes of WebAssembly, $(wc -c <"$site/pkg/cloakroom.wasm.br") with Brotli"
