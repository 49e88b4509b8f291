//! How a person is reached, parsed and normalised once, at the edge.
