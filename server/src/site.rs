//! The built site: scripts, WebAssembly, styles and the few files at its root.

use std::path::{Path, PathBuf};

use axum::Router;
use http::{HeaderValue, header};
use tower::ServiceBuilder;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

/// Where the site is, unless a setting says: beside the binary, else in the workspace's `target`.
pub(crate) fn find(named: Option<PathBuf>, binary: Option<&Path>) -> PathBuf {
    named.unwrap_or_else(|| {
        binary
            .and_then(Path::parent)
            .map(|folder| folder.join("site"))
            .filter(|site| site.join("pkg").is_dir())
            .unwrap_or_else(|| PathBuf::from("target/site"))
    })
}

/// Whether the frontend was built: without it pages work, but nothing in them comes alive.
pub(crate) fn is_built(site: &Path) -> bool {
    site.join("pkg/cloakroom.js").is_file()
}

/// `/pkg/..` and the files at the site's root. Their names do not change with their content, so a browser asks each time
/// whether its copy is still good (and is answered 304 where it is).
pub(crate) fn router(site: &Path) -> Router {
    let revalidate = || {
        SetResponseHeaderLayer::overriding(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-cache"),
        )
    };
    let packages = ServeDir::new(site.join("pkg"))
        .precompressed_br()
        .precompressed_gzip()
        .append_index_html_on_directories(false);
    let mut router = Router::new().nest_service(
        "/pkg",
        ServiceBuilder::new().layer(revalidate()).service(packages),
    );
    for name in root_files(site) {
        let file = ServeFile::new(site.join(&name));
        router = router.route_service(
            &format!("/{name}"),
            ServiceBuilder::new().layer(revalidate()).service(file),
        );
    }
    router
}

/// Plain files at the site's root, such as `favicon.svg`. Listed once: what appears later is not served.
fn root_files(site: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(site) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            name != "hash.txt"
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
                && !name.starts_with('.')
        })
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::{find, root_files};

    #[test]
    fn a_site_beside_the_binary_is_found_and_a_named_one_wins() {
        let folder = tempfile::tempdir().expect("a folder");
        let binary = folder.path().join("cloakroom");
        assert_eq!(
            find(None, Some(&binary)),
            std::path::PathBuf::from("target/site")
        );
        std::fs::create_dir_all(folder.path().join("site/pkg")).expect("made");
        assert_eq!(find(None, Some(&binary)), folder.path().join("site"));
        assert_eq!(
            find(Some("elsewhere".into()), Some(&binary)),
            std::path::PathBuf::from("elsewhere")
        );
    }

    #[test]
    fn only_plain_files_at_the_root_are_served() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["favicon.svg", "robots.txt", ".secret", "hash.txt", "a b"] {
            std::fs::write(folder.path().join(name), "x").expect("written");
        }
        std::fs::create_dir(folder.path().join("pkg")).expect("made");
        assert_eq!(root_files(folder.path()), ["favicon.svg", "robots.txt"]);
    }
}
