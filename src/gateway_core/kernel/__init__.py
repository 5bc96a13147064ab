"""The smallest shared facts: errors, time, units, ids."""
