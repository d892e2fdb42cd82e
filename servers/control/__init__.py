"""The control API: JSON over HTTP for whoever tests with the emulator, on loopback.

What may be asked is said once, by the `route` marks on the methods of the desks: `site` serves from
them, `openapi` describes them. `routing` turns an HTTP request into a call of such a method and its
result or Problem into a response; the desks (`health`, ...) know nothing of HTTP. Klein, which
finds the route, is loaded by the first connection.
"""
