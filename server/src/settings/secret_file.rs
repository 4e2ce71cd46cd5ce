//! Files that hold one secret, or keys, and nothing else: `CLOAKROOM_CLIENT_SECRET_FILE` and its like.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

/// The largest file, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// What a file that a setting names holds, without the white space around it. The error's words say what to do.
pub(crate) fn read_secret_file(path: &Path) -> Result<Zeroizing<String>, String> {
    let named = path.display();
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(format!("the file {named} cannot be read: {error}")),
        Ok(_) if text.len() as u64 > MAX_BYTES => Err(format!(
            "the file {named} is larger than {MAX_BYTES} bytes: name the file that holds the secret or the keys alone"
        )),
        Ok(_) if text.trim().is_empty() => Err(format!("the file {named} is empty")),
        Ok(_) => Ok(Zeroizing::new(text.trim().to_owned())),
    }
}
