"""Which gateway the settings name."""

from __future__ import annotations

from okienko_server.config import Settings
from okienko_server.sms.android import AndroidPhone
from okienko_server.sms.console import ConsoleGateway
from okienko_server.sms.gateway import Gateway
from okienko_server.sms.inbox import InboxGateway
from okienko_server.sms.serwersms import HOST as SERWERSMS
from okienko_server.sms.serwersms import SerwerSms
from okienko_server.sms.smsapi import HOST as SMSAPI
from okienko_server.sms.smsapi import SmsApi
from okienko_server.sms.twilio import HOST as TWILIO
from okienko_server.sms.twilio import Twilio

REPORTS = "/gateway/report"


def gateway_of(settings: Settings) -> Gateway:
    """Return the gateway of these settings; it reports back to this server where OKIENKO_URL says how it is reached."""
    sms = settings.sms
    back = f"{settings.public_url}{REPORTS}" if settings.public_url.startswith("https://") else ""
    if settings.sms_gateway == "smsapi":
        return SmsApi(
            sms.token, sms.sender, sms.secret, f"{back}?secret={sms.secret}" if back else "", sms.host or SMSAPI
        )
    if settings.sms_gateway == "serwersms":
        return SerwerSms(sms.token, sms.sender, sms.host or SERWERSMS)
    if settings.sms_gateway == "twilio":
        return Twilio(sms.account, sms.token, sms.sender, back, sms.host or TWILIO)
    if settings.sms_gateway == "android":
        return AndroidPhone(sms.host, sms.account, sms.token, sms.secret)
    return InboxGateway() if settings.sms_gateway == "inbox" else ConsoleGateway()
