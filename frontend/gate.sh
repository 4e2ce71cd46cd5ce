#!/bin/sh
# The dependency rules, read off cargo's own tree. What must not be there is named; a rule that breaks ends the run.
set -eu
cd "$(dirname "$0")/.."

failed=0
# tree PACKAGE [cargo tree options]: the names of all packages it is built from
tree() {
	package=$1
	shift
	cargo tree --locked --package "$package" --edges normal --prefix none --format '{p}' "$@" | awk '{ print $1 }' | sort -u
}
# forbid WHO NAMES...: none of NAMES may be in the tree on standard input
forbid() {
	who=$1
	shift
	list=$(cat)
	for name in "$@"; do
		if printf '%s\n' "$list" | grep -Eqx "$name"; then
			printf 'gate: %s must not depend on %s\n' "$who" "$name" >&2
			failed=1
		fi
	done
}
check() { forbid "$@" || failed=1; }

tree frontend --target wasm32-unknown-unknown >target/gate.txt
grep -qx leptos target/gate.txt || { echo 'gate: the tree of frontend could not be read' >&2; exit 1; }
check 'frontend on wasm32' 'axum(-.*)?' 'reqwest' 'tokio' 'hyper(-.*)?' 'aws-lc-(rs|sys)' 'cloakroom-.*' 'server' 'leptos_axum' 'tower-sessions.*' 'sqlx.*' 'jsonwebtoken' <target/gate.txt

tree cloakroom-oidc --all-features >target/gate.txt
check 'oidc' 'cloakroom-(vault|bff|resource|testkit)' 'axum(-.*)?' 'leptos.*' 'tower-sessions.*' 'app' <target/gate.txt
tree cloakroom-oidc >target/gate.txt
check 'oidc without its client' 'reqwest' 'tokio' <target/gate.txt
tree cloakroom-vault --all-features >target/gate.txt
check 'vault' 'cloakroom-(oidc|bff|resource|testkit)' 'axum(-.*)?' 'leptos.*' 'tower-sessions.*' 'reqwest' 'app' <target/gate.txt
tree cloakroom-bff --all-features >target/gate.txt
check 'bff' 'cloakroom-(resource|testkit)' 'leptos.*' 'app' 'server' <target/gate.txt
tree cloakroom-resource --all-features >target/gate.txt
check 'resource' 'cloakroom-(vault|bff|testkit)' 'leptos.*' 'tower-sessions.*' 'app' 'server' <target/gate.txt
tree server >target/gate.txt
check 'the server' 'rsa' 'openssl(-sys)?' 'native-tls' 'cloakroom-testkit' 'ring' <target/gate.txt
rustls=$(cargo tree --locked --package server --edges normal --prefix none --format '{p}' | awk '$1 == "rustls" { print $2 }' | sort -u | wc -l)
[ "$rustls" -eq 1 ] || { echo "gate: the server has $rustls versions of rustls" >&2; failed=1; }

# What keeps secrets refuses to be built for a browser.
for crate in oidc vault bff resource; do
	grep -q 'compile_error!' "server/crates/$crate/src/lib.rs" || { echo "gate: $crate does not refuse wasm32" >&2; failed=1; }
done
# Nothing below the server reads the environment.
if grep -rnE 'std::env::(var|vars)' server/crates/oidc/src server/crates/vault/src server/crates/bff/src server/crates/resource/src app/src frontend/src; then
	echo 'gate: only the server reads the environment' >&2
	failed=1
fi
# Invariant 1: token types can be neither serialized nor printed.
if grep -vE '^ *//' server/crates/oidc/src/secret.rs | grep -nE 'Serialize|impl.*Display'; then
	echo 'gate: a secret type must not implement Serialize or Display' >&2
	failed=1
fi
rm -f target/gate.txt
[ "$failed" -eq 0 ] && echo 'gate: the dependency rules hold'
exit "$failed"
