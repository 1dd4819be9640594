"""The signed policy an organisation publishes: it tightens every desktop within minutes, and can loosen nothing."""
