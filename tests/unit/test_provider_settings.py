"""What the environment says of providers is read as it is meant, or refused with the mend."""

from pathlib import Path

import pytest

from portal.settings import Settings, SettingsError

NEEDED = {"SECRET_KEY": "k" * 40, "PUBLIC_URL": "https://portal.example"}


def read(tmp_path: Path, **environ: str) -> Settings:
    return Settings.from_env({"DATA_DIR": str(tmp_path)} | NEEDED | environ)


def test_all_four_can_be_named_in_order_of_failover(tmp_path: Path) -> None:
    assert read(tmp_path, SMS_PROVIDER="tencent, aliyun,twilio").sms_providers == ("tencent", "aliyun", "twilio")
    with pytest.raises(SettingsError, match="carrier-pigeon"):
        read(tmp_path, SMS_PROVIDER="tencent,carrier-pigeon")


def test_keys_are_read_and_never_shown(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        TENCENT_SECRET_ID="tencent-id",
        TENCENT_SECRET_KEY="hidden-1",
        TENCENT_SMS_APP_ID="1400006666",
        TENCENT_REGION="ap-beijing",
        TENCENT_VARIABLE_LENGTH="12",
        ALIYUN_ACCESS_KEY_ID="aliyun-id",
        ALIYUN_ACCESS_KEY_SECRET="hidden-2",
        ALIYUN_VARIABLE_LENGTH="20",
        SMS_HOOK_TOKEN="hidden-3",
    )
    tencent, aliyun = settings.tencent, settings.aliyun
    assert (tencent.secret_id, tencent.secret_key, tencent.app_id) == ("tencent-id", "hidden-1", "1400006666")
    assert (tencent.region, tencent.variable_length) == ("ap-beijing", 12)
    assert (aliyun.access_key_id, aliyun.access_key_secret, aliyun.variable_length) == ("aliyun-id", "hidden-2", 20)
    assert settings.sms_hook_token == "hidden-3"
    assert "hidden" not in repr(settings)


def test_what_nobody_set_has_safe_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.sms_hook_token == ""
    # What Tencent allows accounts opened since 2024-01-25.
    assert (settings.tencent.region, settings.tencent.variable_length) == ("ap-guangzhou", 6)
    assert (settings.tencent.api_base, settings.aliyun.api_base, settings.twilio.api_base) == ("", "", "")


@pytest.mark.parametrize("name", ["TWILIO_API_BASE", "TENCENT_API_BASE", "ALIYUN_API_BASE"])
def test_a_redirection_is_an_address(tmp_path: Path, name: str) -> None:
    provider = name.partition("_")[0].lower()
    assert getattr(read(tmp_path, **{name: "http://127.0.0.1:4010/"}), provider).api_base == "http://127.0.0.1:4010"
    for wrong in ("127.0.0.1:4010", "ftp://127.0.0.1", "http://", "x"):
        with pytest.raises(SettingsError, match=name):
            read(tmp_path, **{name: wrong})


@pytest.mark.parametrize("value", ["tencent", "tencent:x", "tencent:0", "nobody:5", "tencent:-1"])
def test_rates_that_make_no_sense_are_refused(tmp_path: Path, value: str) -> None:
    assert read(tmp_path, SMS_RATES="tencent:100, aliyun:2.5").sms_rates == {"tencent": 100.0, "aliyun": 2.5}
    with pytest.raises(SettingsError, match="SMS_RATES"):
        read(tmp_path, SMS_RATES=value)
