"""AWS KMS on this machine, as the bank would keep it: key states, grants, contexts and bad weather that a real boto3 client
meets unchanged. Its keys are worth nothing: they are kept in clear, and whoever calls himself the bank is the bank.

Who a caller is, is what the access key says (`permissions`); signatures are not checked. What it does not know it answers
with ``UnknownOperationException``.
"""
