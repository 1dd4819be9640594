"""SendGuard's tests. `make test` runs them; README.md beside this file says which promise each one keeps."""
