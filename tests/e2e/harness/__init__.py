"""What the end-to-end tests share: the daemon as a fixture, and clients with tiny verbs."""

import os

# Before grpc is imported anywhere: its own log lines drown a test's, and no proxy lies between us.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
for _variable in ("http_proxy", "https_proxy", "grpc_proxy"):
    os.environ.pop(_variable, None)
    os.environ.pop(_variable.upper(), None)
