"""Tables and stores. A store is made for one Scope; none of its methods takes a clinic id."""
