"""Shapes of requests and answers; unknown fields are refused."""
