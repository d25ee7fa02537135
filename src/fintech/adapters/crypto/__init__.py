"""Keys and signatures: who keeps root keys (this process, AWS KMS, a PKCS#11 token), and who signs."""
