//! What a challenge must and must not do, on a store reduced to maps.

mod numbered;
mod random_orders;
mod world;
