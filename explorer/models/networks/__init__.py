"""The architectures, as plain torch modules. Importing one imports torch."""
