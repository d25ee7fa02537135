"""Whoever owns the token, in a process of its own: a line of JSON says what to do with which key, a line answers.

It makes no use of the product, so that what it does is what another vendor's tool would do.
"""

import json
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass


def main(module: str, token: str, pin: str) -> None:
    with pkcs11.lib(module).get_token(token_label=token).open(rw=True, user_pin=pin) as session:
        for line in sys.stdin:
            told = json.loads(line)
            act(session, told["do"], told["label"])
            print(json.dumps("done"), flush=True)


def act(session: pkcs11.Session, do: str, label: str) -> None:
    if do == "make":
        may = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT
        session.generate_key(KeyType.AES, 256, label=label, store=True, capabilities=may)
        session.generate_key(
            KeyType.GENERIC_SECRET,
            256,
            label=f"{label}/mac",
            store=True,
            capabilities=MechanismFlag.SIGN,
            mechanism=pkcs11.Mechanism.GENERIC_SECRET_KEY_GEN,
        )
        return
    key = session.get_key(object_class=ObjectClass.SECRET_KEY, label=label)
    if do == "destroy":
        key.destroy()
        return
    for use in (Attribute.ENCRYPT, Attribute.DECRYPT):
        key[use] = do == "enable"


if __name__ == "__main__":
    main(*sys.argv[1:])
