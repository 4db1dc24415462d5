"""The show: grab -> pose -> picture -> encode. Imports only live, and never torch."""
