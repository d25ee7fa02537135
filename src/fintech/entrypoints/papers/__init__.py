"""What merchants keep and hand on: statements and tax invoices as files."""
