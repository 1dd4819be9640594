"""The only package that knows every adapter: it puts them together and starts them."""
