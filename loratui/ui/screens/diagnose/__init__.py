"""The symptom tree and its pages."""
