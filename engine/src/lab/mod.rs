//! The session: what a person's commands act on, and the picture of it.

mod scene;

pub use scene::{
    Client, Desk, DeskPort, DeskType, Directory, Door, Entrance, ListEntry, Room, RoomState, Scene,
    Wing,
};
