"""The JSON API under /api/v1: the same operations for developers, problem+json for every refusal."""
