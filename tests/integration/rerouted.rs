//! rerouted
