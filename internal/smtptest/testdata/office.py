"""What aiosmtpd does in tests: each mail becomes a line of JSON in a file."""

import json
from base64 import b64decode

from aiosmtpd.smtp import AuthResult


class Office:
    def __init__(self, file, user, password, gone):
        self.file, self.account, self.gone = file, [user, password], gone
        self.letters = 0

    @classmethod
    def from_cli(cls, parser, *args):
        return cls(*args)

    async def auth_PLAIN(self, server, args):
        # RFC 4616: in whose name, who, the password.
        account = b64decode(args[1]).decode().split("\0")[1:]
        return AuthResult(success=account == self.account, handled=False, auth_data=account[0])

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.gone:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        letter = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data or "",
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "text": envelope.original_content.decode(),
        }
        with open(self.file, "a") as f:
            f.write(json.dumps(letter) + "\n")
        self.letters += 1
        return f"250 2.0.0 queued as {self.letters}"
