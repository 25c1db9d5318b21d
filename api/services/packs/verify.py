#!/usr/bin/env python3
"""Checks an evidence pack, offline, with nothing but Python (3.9 or newer).

    python3 verify.py PACK.zip [--anchors FILE] [--public-key HEX] [--key FILE]

What it proves, step by step:

1. Every byte of the archive is where it must be: the pack is rebuilt from its files, and anything
   else in it - a changed length, a comment, a hidden file - is refused.
2. Every file has the hash that the manifest tells, and the manifest the hash that is signed.
3. The signature is Ed25519 (RFC 8032) over the manifest. Compare the public key with the one that
   the operator has published, or give it with --public-key.
4. Every ledger entry in the pack leads by its Merkle path (RFC 6962) to the root of its seal, and
   the seals are a chain: none is missing between the first and the last in the pack. In the pack of
   a period every entry is there and each follows from the one before it.
5. With --anchors (the lines that the operator has published minute by minute, which you have kept):
   the seals of the pack are the ones that were published then. This is what shows that the record
   was not written afterwards.
6. With --key (the ledger's secret key, handed over under seal): every entry, every seal and the
   manifest carry the MAC that only the key's holder could make.
7. If the pack is of an audit: the sample is recomputed from the revealed seed and the frozen
   population, and a third party's result carries that party's own signature.

Exit status: 0 accepted, 1 refused, 2 wrong use.
"""

import argparse
import hashlib
import hmac
import json
import struct
import sys
import zlib

FORMAT = "zhunda-evidence/1"


class Refused(Exception):
    """The pack is not what it says; the message tells why."""


def need(condition, message):
    if not condition:
        raise Refused(message)


def canonical(value):
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def parsed(raw, name):
    """JSON in its one canonical form; another way to write the same is refused."""
    try:
        value = json.loads(raw)
    except ValueError:
        raise Refused(f"{name} is not JSON") from None
    need(isinstance(value, dict) and canonical(value) == raw, f"{name} is not in canonical form")
    return value


# 1. The archive: files stored one after the other, then the directory, and not one byte more.

LOCAL = struct.Struct("<4sHHHHHIIIHH")
CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
END = struct.Struct("<4sHHHHIIH")
DATE = 0x21  # 1 January 1980: a pack has no dates but those in its manifest


def local_header(name, size, crc):
    return LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, DATE, crc, size, size, len(name), 0) + name


def directory(files):
    """The end of an archive: `files` are (name, size, crc, offset)."""
    entries = b"".join(
        CENTRAL.pack(
            b"PK\1\2", 20, 20, 0, 0, 0, DATE, crc, size, size, len(name), 0, 0, 0, 0, 0, offset
        )
        + name
        for name, size, crc, offset in files
    )
    start = files[-1][3] + len(local_header(files[-1][0], 0, 0)) + files[-1][1] if files else 0
    return entries + END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(entries), start, 0)


def archive(members):
    """The bytes of a pack from (name, content) pairs, piece by piece."""
    files, offset = [], 0
    for name, content in members:
        raw, crc = name.encode("ascii"), zlib.crc32(content)
        header = local_header(raw, len(content), crc)
        yield header
        yield content
        files.append((raw, len(content), crc, offset))
        offset += len(header) + len(content)
    yield directory(files)


def members_of(pack):
    """The files of a pack; refuses a pack that is not exactly these files."""
    files, found, offset = [], {}, 0
    while pack[offset : offset + 4] == b"PK\3\4":
        need(offset + LOCAL.size <= len(pack), "the archive is cut short")
        fields = LOCAL.unpack_from(pack, offset)
        crc, size, length = fields[6], fields[8], fields[9]
        start = offset + LOCAL.size
        name = pack[start : start + length]
        need(local_header(name, size, crc) == pack[offset : start + length], "archive: odd header")
        content = pack[start + length : start + length + size]
        need(len(content) == size and zlib.crc32(content) == crc, f"archive: {name!r} is damaged")
        need(name not in found and name.isascii(), f"archive: {name!r} stands twice or is odd")
        found[name] = content
        files.append((name, size, crc, offset))
        offset = start + length + size
    need(files and pack[offset:] == directory(files), "archive: bytes that belong to no file")
    return {name.decode("ascii"): content for name, content in found.items()}


# 2. The manifest.


def check_manifest(members):
    need(list(members)[-2:] == ["manifest.json", "signature.json"], "the manifest is missing")
    manifest = parsed(members["manifest.json"], "manifest.json")
    signature = parsed(members["signature.json"], "signature.json")
    need(manifest.get("format") == FORMAT, "the pack is of another format")
    rest = {name: value for name, value in signature.items() if name != "self"}
    need(sha256(canonical(rest)).hex() == signature.get("self"), "signature.json is damaged")
    digest = sha256(members["manifest.json"])
    need(signature["manifest_sha256"] == digest.hex(), "manifest.json is not the signed one")
    listed = [(one["name"], one["size"], one["sha256"]) for one in manifest["files"]]
    there = [
        (name, len(content), sha256(content).hex())
        for name, content in members.items()
        if name not in ("manifest.json", "signature.json")
    ]
    need(len(listed) == len(there), "a file is missing, or one is too many")
    for number, is_there in enumerate(there):
        need(listed[number] == is_there, f"{is_there[0]} is not as the manifest tells")
    return manifest, signature


# 3. Ed25519, RFC 8032 section 5.1.

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    found = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point, scalar = add(point, point), scalar >> 1
    return found


def decoded(raw):
    y = int.from_bytes(raw, "little")
    odd, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and odd):
        return None
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = decoded((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = decoded(public), decoded(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or answer >= Q:
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    left = times(answer, BASE)
    right = add(commitment, times(int.from_bytes(challenge, "little") % Q, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % P == 0


def check_events(raw):
    """How many events of visits the phones have signed; each has to be what was signed."""
    count = 0
    for event in json.loads(raw):
        told = event.get("signed")
        if not told:
            continue
        message = b"zhunda-visit-event/1\n" + told["text"].encode()
        public, value = bytes.fromhex(told["public_key"]), bytes.fromhex(told["value"])
        need(signed_by(public, message, value), "event %s: its signature is wrong" % event["id"])
        text = json.loads(told["text"])
        need(
            (text["id"], text["visit_id"], text["event"])
            == (event["id"], event["visit_id"], event["kind"]),
            "event %s: another one was signed" % event["id"],
        )
        count += 1
    return count


def check_signature(signature, public_key):
    public = bytes.fromhex(signature["public_key"])
    message = b"zhunda-evidence-manifest/1\n" + bytes.fromhex(signature["manifest_sha256"])
    need(
        signed_by(public, message, bytes.fromhex(signature["signature"])),
        "the manifest's signature is wrong",
    )
    if public_key:
        need(public.hex() == public_key.lower(), "the pack is signed with another key")


# 4. The ledger.


def leaf(entry):
    return sha256(b"\0", entry)


def node(left, right):
    return sha256(b"\1", left, right)


def root_of_path(found, index, count, path):
    if count <= 1:
        return found if not path and index == 0 else None
    if not path:
        return None
    split = 1 << (count - 1).bit_length() - 1
    if index < split:
        left = root_of_path(found, index, split, path[:-1])
        return None if left is None else node(left, path[-1])
    right = root_of_path(found, index - split, count - split, path[:-1])
    return None if right is None else node(path[-1], right)


def lines(raw, name):
    return [parsed(line, f"{name}, line {n}") for n, line in enumerate(raw.splitlines(), start=1)]


def check_ledger(members, manifest, key):
    seals = {}
    previous = None
    for told in lines(members["ledger/seals.jsonl"], "ledger/seals.jsonl"):
        seal = parsed(told["seal"].encode(), "a seal")
        need(previous is None or seal["previous"] == previous[1], "a seal is missing in between")
        need(
            previous is None
            or (seal["number"] == previous[0] + 1 and seal["first"] == previous[2] + 1),
            "the seals do not follow one another",
        )
        digest = sha256(
            b"zhunda-ledger-seal/1\n", bytes.fromhex(seal["previous"]), told["seal"].encode()
        )
        need(digest.hex() == told["digest"], f"seal {seal['number']} is not what it says")
        if key:
            good = hmac.new(key, digest, hashlib.sha256).hexdigest()
            need(good == told["mac"], f"seal {seal['number']} was not made with the key")
        previous = (seal["number"], digest.hex(), seal["last"])
        seals[seal["number"]] = (seal, digest.hex())
    need(seals, "the pack holds no seal")
    head = manifest["ledger"]["head"]
    need(head == {"seal": previous[0], "digest": previous[1], "count": previous[2]}, "head differs")
    entries = lines(members["ledger/entries.jsonl"], "ledger/entries.jsonl")
    need(len(entries) == manifest["ledger"]["entries"], "ledger entries are missing")
    last = None
    for told in entries:
        raw, seq = told["entry"].encode(), told["seq"]
        entry = parsed(raw, f"ledger entry {seq}")
        need(entry["seq"] == seq and told["seal"] in seals, f"ledger entry {seq} has no seal")
        need(last is None or seq > last[0], "ledger entries are not in order")
        seal, _ = seals[told["seal"]]
        need(seal["first"] <= seq <= seal["last"], f"ledger entry {seq} is not under its seal")
        path = [bytes.fromhex(one) for one in told["path"]]
        count = seal["last"] - seal["first"] + 1
        root = root_of_path(leaf(raw), seq - seal["first"], count, path)
        need(root is not None and root.hex() == seal["root"], f"ledger entry {seq} was changed")
        follows = sha256(b"zhunda-ledger-entry/1\n", bytes.fromhex(told["previous"]), raw).hex()
        need(follows == told["link"], f"ledger entry {seq} does not have its place in the chain")
        need(
            last is None or seq != last[0] + 1 or told["previous"] == last[1],
            f"ledger entry {seq} does not follow from the one before it",
        )
        need(seq != seal["last"] or told["link"] == seal["link"], f"entry {seq} is not sealed so")
        if key:
            good = hmac.new(key, bytes.fromhex(told["link"]), hashlib.sha256).hexdigest()
            need(good == told["mac"], f"ledger entry {seq} was not written with the key")
        last = (seq, told["link"])
    if manifest["ledger"]["contiguous"]:
        check_period(manifest, entries)
    return seals, entries


def check_period(manifest, entries):
    """Every entry of the period is there: the neighbours before and after it are, too."""
    need(entries, "the ledger of the period is missing")
    span = entries[-1]["seq"] - entries[0]["seq"] + 1
    need(span == len(entries), "a ledger entry of the period is missing")
    first, last = json.loads(entries[0]["entry"]), json.loads(entries[-1]["entry"])
    scope, count = manifest["scope"], manifest["ledger"]["head"]["count"]
    need(first["seq"] == 1 or first["at"] < scope["from"], "entries are missing at the start")
    need(last["seq"] == count or last["at"] >= scope["to"], "entries are missing at the end")


# 5. What was published at the time.


def check_anchors(path, seals, manifest_sha256):
    known = 0
    with open(path, "rb") as file:
        for raw in file:
            line = json.loads(raw)
            if line.get("type") == "head" and line.get("seal") in seals:
                told = seals[line["seal"]][1]
                need(line["seal_digest"] == told, f"seal {line['seal']} was published differently")
                known += 1
            if line.get("type") == "pack" and line.get("manifest_sha256") == manifest_sha256:
                known += 1
    need(known, "no published line knows this pack's seals")
    return known


# 7. The sample of an audit.


def merkle_root(leaves):
    level = list(leaves)
    if not level:
        return sha256(b"")
    while len(level) > 1:
        paired = [node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def shares(sizes, count):
    total = sum(sizes.values())
    count = min(count, total)
    places = {name: size * count // total for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(sizes[name] * count % total), name))
    for name in order[: count - sum(places.values())]:
        places[name] += 1
    return places


def draw(seed, population, count):
    strata = {}
    for member, stratum in population.items():
        strata.setdefault(stratum, []).append(member)
    places = shares({name: len(one) for name, one in strata.items()}, count)
    length = len(seed).to_bytes(2, "big")
    found = []
    for name, one in strata.items():
        one.sort(
            key=lambda member: (sha256(b"zhunda-sample/1\n", length, seed, member.encode()), member)
        )
        found += one[: places[name]]
    return sorted(found)


def check_sample(raw, entries, jobs):
    sample = parsed(raw, "sample.json")
    population = sample["population"]
    seed = bytes.fromhex(sample["seed"])
    root = merkle_root(
        [leaf(f"{member}\t{population[member]}".encode()) for member in sorted(population)]
    )
    need(root.hex() == sample["population_root"], "the population is not the frozen one")
    if sample["kind"] == "third_party":
        nonce = bytes.fromhex(sample["nonce"])
        length = len(seed).to_bytes(2, "big")
        good = sha256(b"zhunda-sample-commitment/1\n", length, seed, nonce)
        need(good.hex() == sample["commitment"], "the seed is not the one committed to")
        seed = sha256(b"zhunda-sample-joint/1\n", length, seed, nonce, root)
        told = {}
        for one in entries:
            entry = json.loads(one["entry"])
            if entry["subject_id"] == sample["audit"]:
                told.setdefault(entry["kind"], entry)
        steps = ("audit_committed", "audit_frozen", "audit_drawn")
        need(all(step in told for step in steps), "the ledger lacks a step of the draw")
        order = [told[step]["seq"] for step in steps]
        need(order == sorted(order), "commit, freeze and reveal are not in this order")
        need(told[steps[0]]["data"]["commitment"] == sample["commitment"], "another commitment")
        need(told[steps[1]]["data"]["population_root"] == root.hex(), "another population")
        need(told[steps[1]]["data"]["size"] == sample["size"], "another size of the sample")
    need(draw(seed, population, sample["size"]) == sample["drawn"], "the sample was not drawn so")
    result = sample.get("result")
    if result and sample["kind"] == "third_party":
        message = b"zhunda-audit-result/1\n" + canonical(result["document"])
        public, signature = bytes.fromhex(result["public_key"]), bytes.fromhex(result["signature"])
        need(signed_by(public, message, signature), "the result is not signed by the assessor")
        need(
            told[steps[0]]["data"]["public_key"] == result["public_key"],
            "the result is signed with a key that the assessor had not announced",
        )
        about = result["document"]
        need(about["audit"] == sample["audit"], "the result is about another audit")
        need(about["drawn"] == sample["drawn"], "the result is about other jobs")
    there = sorted(job["id"] for job in json.loads(jobs))
    need(there == sample["drawn"], "the pack does not hold the drawn jobs")
    return len(there)


def verify(pack, anchors=None, public_key="", key=None):
    """What was found, line by line; raises Refused."""
    members = members_of(pack)
    manifest, signature = check_manifest(members)
    check_signature(signature, public_key)
    if key:
        mac = hmac.new(key, bytes.fromhex(signature["manifest_sha256"]), hashlib.sha256)
        need(mac.hexdigest() == signature["mac"], "the manifest was not made with the ledger's key")
    seals, entries = check_ledger(members, manifest, key)
    told = [
        f"{len(members)} files, every byte accounted for",
        f"manifest {signature['manifest_sha256']}",
        f"signed with {signature['public_key']}"
        + ("" if public_key else " - compare with the published key"),
        f"{len(entries)} ledger entries under {len(seals)} seals",
    ]
    if "sections/visit_event.json" in members:
        count = check_events(members["sections/visit_event.json"])
        told.append(f"{count} events of visits signed by the phones, as they say")
    if "sample.json" in members:
        drawn = check_sample(members["sample.json"], entries, members["sections/jobs.json"])
        told.append(f"sample of {drawn} drawn as the seed says")
    if anchors:
        known = check_anchors(anchors, seals, signature["manifest_sha256"])
        told.append(f"{known} published lines agree")
    else:
        told.append("not compared with published lines: give --anchors to know since when")
    if key:
        told.append("every MAC is the key's")
    return told


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack")
    parser.add_argument("--anchors", help="published lines that you have kept")
    parser.add_argument("--public-key", default="", help="the operator's published key, 64 digits")
    parser.add_argument("--key", help="file with the ledger's secret key")
    options = parser.parse_args()
    try:
        with open(options.pack, "rb") as file:
            pack = file.read()
        key = None
        if options.key:
            with open(options.key, "rb") as file:
                key = file.read().strip()
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        told = verify(pack, options.anchors, options.public_key, key)
    except Refused as reason:
        print(f"REFUSED: {reason}")
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, UnicodeError) as error:
        print(f"REFUSED: something is missing or misshapen ({type(error).__name__}: {error})")
        return 1
    print("ACCEPTED")
    for line in told:
        print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
