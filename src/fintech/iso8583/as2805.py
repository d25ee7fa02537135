"""The table that our terminals speak: AS 2805.2, the Australian relative of ISO 8583:1987.

Digits, also of lengths, are two in a byte; bitmaps are eight bytes; element 48 alone says its length in ASCII.
"""

from typing import Final

from fintech.iso8583.elements import Element, Encoding, Format, Length, Sensitivity, Spec

_N: Final = Format.NUMERIC
_AN: Final = Format.ALPHANUMERIC
_ANS: Final = Format.TEXT
_SIGNED: Final = Format.SIGNED
_B: Final = Format.BINARY
_LL: Final = Length.LL
_LLL: Final = Length.LLL
_HIDDEN: Final = Sensitivity.HIDDEN

AS2805: Final = Spec(
    "AS 2805.2 (ISO 8583:1987)",
    (
        Element(2, "Primary account number", _N, 19, _LL, Sensitivity.PAN),
        Element(3, "Processing code", _N, 6),
        Element(4, "Amount, transaction", _N, 12),
        Element(5, "Amount, settlement", _N, 12),
        Element(7, "Transmission date and time", _N, 10),
        Element(9, "Conversion rate, settlement", _N, 8),
        Element(11, "Systems trace audit number", _N, 6),
        Element(12, "Time, local transaction", _N, 6),
        Element(13, "Date, local transaction", _N, 4),
        Element(14, "Date, expiration", _N, 4, sensitivity=_HIDDEN),
        Element(15, "Date, settlement", _N, 4),
        Element(16, "Date, conversion", _N, 4),
        Element(17, "Date, capture", _N, 4),
        Element(18, "Merchant's type", _N, 4),
        Element(19, "Acquiring institution country code", _N, 3),
        Element(20, "Primary account number, country code", _N, 3),
        Element(21, "Forwarding institution country code", _N, 3),
        Element(22, "Point of service entry mode", _N, 3),
        Element(23, "Card sequence number", _N, 3),
        Element(24, "Network international identifier", _N, 3),
        Element(25, "Point of service condition code", _N, 2),
        Element(26, "Point of service PIN capture code", _N, 2),
        Element(28, "Amount, transaction fee", _SIGNED, 8),
        Element(30, "Amount, transaction processing fee", _SIGNED, 8),
        Element(32, "Acquiring institution identification code", _N, 11, _LL),
        Element(33, "Forwarding institution identification code", _N, 11, _LL),
        Element(35, "Track 2 data", Format.TRACK2, 37, _LL, _HIDDEN),
        Element(37, "Retrieval reference number", _AN, 12),
        Element(38, "Authorisation identification response", _AN, 6),
        Element(39, "Response code", _AN, 2),
        Element(41, "Card acceptor terminal identification", _ANS, 8),
        Element(42, "Card acceptor identification code", _ANS, 15),
        Element(43, "Card acceptor name and location", _ANS, 40),
        Element(44, "Additional response data", _ANS, 25, _LL),
        Element(45, "Track 1 data", _ANS, 76, _LL, _HIDDEN),
        Element(47, "Additional data, national", _ANS, 999, _LLL, _HIDDEN),
        Element(48, "Additional data, private", _ANS, 999, _LLL, _HIDDEN, counted_in=Encoding.ASCII),
        Element(49, "Currency code, transaction", _N, 3),
        Element(50, "Currency code, settlement", _N, 3),
        Element(52, "PIN data", _B, 8, sensitivity=_HIDDEN),
        Element(53, "Security related control information", _N, 16, sensitivity=_HIDDEN),
        Element(54, "Additional amounts", _AN, 120, _LLL),
        Element(55, "Integrated circuit card data", _B, 999, _LLL, _HIDDEN),
        Element(57, "Amount, cash", _N, 12),
        Element(60, "Reserved, private", _ANS, 999, _LLL, _HIDDEN),
        Element(61, "Reserved, private", _ANS, 999, _LLL, _HIDDEN),
        Element(62, "Reserved, private", _ANS, 999, _LLL, _HIDDEN),
        Element(63, "Reserved, private", _ANS, 999, _LLL, _HIDDEN),
        Element(64, "Message authentication code", _B, 8),
        Element(66, "Settlement code", _N, 1),
        Element(70, "Network management information code", _N, 3),
        Element(74, "Credits, number", _N, 10),
        Element(75, "Credits, reversal number", _N, 10),
        Element(76, "Debits, number", _N, 10),
        Element(77, "Debits, reversal number", _N, 10),
        Element(86, "Credits, amount", _N, 16),
        Element(87, "Credits, reversal amount", _N, 16),
        Element(88, "Debits, amount", _N, 16),
        Element(89, "Debits, reversal amount", _N, 16),
        Element(90, "Original data elements", _N, 42),
        Element(95, "Replacement amounts", _AN, 42),
        Element(97, "Amount, net settlement", _SIGNED, 16),
        Element(99, "Settlement institution identification code", _N, 11, _LL),
        Element(100, "Receiving institution identification code", _N, 11, _LL),
        Element(128, "Message authentication code", _B, 8),
    ),
)
