//! The store's file, as another program finds it.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::world::World;

impl World {
    /// Another program's connection to the store's file.
    pub(crate) async fn database(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.store())
            .connect()
            .await
            .expect("the store's file opens")
    }

    /// How many sessions the store holds.
    pub(crate) async fn sessions(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM records")
            .fetch_one(&mut self.database().await)
            .await
            .expect("the store can be read")
    }
}
