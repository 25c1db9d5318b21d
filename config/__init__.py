"""Defaults, typed settings and the dated rule packs; read by ``api.app`` and entry points only."""
