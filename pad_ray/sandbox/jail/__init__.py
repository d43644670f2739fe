"""The confined side of the sandbox: everything here runs in a process of its own, never in the host.

It imports only the standard library and itself, so that the warden starts with an interpreter that knows
no other path. The host imports from here nothing but the numbers and formats of the two channels.
"""
