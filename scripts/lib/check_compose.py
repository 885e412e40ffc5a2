"""Checks docker-compose.yml where no Docker is: its structure and the promises made about it.

Names every service without log rotation, limits, a health check (long-running ones) or a user of its own, and every
reference to a service, volume, file or setting that does not exist. Prints what is wrong and exits 1.
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KNOWN = set(
    "build cap_drop command depends_on deploy entrypoint environment healthcheck image logging network_mode ports "
    "profiles read_only restart security_opt stop_grace_period tmpfs user volumes".split()
)
# Runs as root for the moment it takes to hand out the secret files, without a network.
ROOT_ALLOWED = {"prepare"}
LIMITS = {"mongo1": ("2", "4G"), "redis": ("0.5", "1G"), "server1": ("1", "2G"), "server2": ("1", "2G")}


def main():
    wrong = []
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services, volumes = compose["services"], compose["volumes"]
    settings = (ROOT / "platform/src/config.rs").read_text()
    for name, service in services.items():
        once = service.get("restart") == "no"

        def complain(text, name=name):
            wrong.append(f"{name}: {text}")

        for key in set(service) - KNOWN:
            complain(f"unknown key {key}")
        if not service.get("image"):
            complain("no image")
        elif re.search(r":latest$|^[^:]+$", service["image"]):
            complain(f"image {service['image']} has no fixed version")
        rotation = service.get("logging", {}).get("options", {})
        if rotation != {"max-size": "100m", "max-file": "5"}:
            complain("logs are not rotated at 100m x 5")
        user = str(service.get("user", "0"))
        if user.split(":")[0] in ("0", "root") and name not in ROOT_ALLOWED:
            complain("runs as root")
        if not once:
            limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
            if set(limits) != {"cpus", "memory"}:
                complain("no CPU and memory limits")
            elif name in LIMITS and (limits["cpus"], limits["memory"]) != LIMITS[name]:
                complain(f"limits are {limits}, promised {LIMITS[name]}")
            if "healthcheck" not in service and "dev" not in service.get("profiles", []):
                complain("no health check")
        for other, condition in service.get("depends_on", {}).items():
            if other not in services:
                complain(f"depends on {other}, which does not exist")
            elif condition["condition"] == "service_healthy" and "healthcheck" not in services[other]:
                complain(f"waits for the health of {other}, which has no check")
            elif condition["condition"] == "service_completed_successfully" and services[other].get("restart") != "no":
                complain(f"waits for the end of {other}, which is restarted")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                # The secrets are made by a script; everything else is committed.
                if source != "./secrets" and not (ROOT / source).exists():
                    complain(f"mounts {source}, which does not exist")
            elif source not in volumes:
                complain(f"mounts the volume {source}, which is not declared")
        for setting in service.get("environment", {}):
            field = re.sub(r"^DARAA_MONGO_(URI|DATABASE|USER)$", "DARAA_MONGO_<FIELD>", setting)
            if setting.startswith("DARAA_") and f"`{field}`" not in settings:
                complain(f"sets {setting}, which no program reads")
    used = {v.split(":")[0] for service in services.values() for v in service.get("volumes", [])}
    wrong += [f"volume {volume} is used by nobody" for volume in volumes if volume not in used]
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
