"""The gateways against fake ones on real sockets."""
