import Testing

// Origin: eth-account 0.14.0b1 (PyPI), `Account.from_key(key).sign_message(encode_defunct(text=text))`; nonces by RFC
// 6979, so a signature is a function of key and text.

struct SignedText: Sendable, CustomTestStringConvertible {
    let key, address, text, digest, signature: String

    var testDescription: String { "\(address) signs \(text.utf8.count) bytes" }
}

let signedTexts: [SignedText] = [
    SignedText(
        key: "0000000000000000000000000000000000000000000000000000000000000001",
        address: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", text: "",
        digest: "5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad",
        signature: "0ac02a3eb3039b7a3ebb6a35f1e0dd31a4ed51781205a2c193354752a25edad5"
            + "0593868baf38c519b78bdc61a23c3f55e058c29f8b83d79ae48cc47d931afaed1b"),
    SignedText(
        key: "0000000000000000000000000000000000000000000000000000000000000001",
        address: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", text: "hello",
        digest: "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750",
        signature: "e5ddc160e4c8f92de507c7db9b982d4f9b7197bfa421864aeadc586bc96b09ae"
            + "0ba0c5b131650ae4994cff1839341d00f3735ef5abc62ac8fe2cf50f65208e2a1b"),
    SignedText(
        key: "0000000000000000000000000000000000000000000000000000000000000001",
        address: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", text: "ünïcödé ☃ e\u{301}",
        digest: "8831c0e754c4bf416048672dbe589fb4616bb23f860d6e3a1d843e2df15c4adb",
        signature: "c62a4fcd20918151a39bb93238fffe0338612851e27865e77772d65c7e5cf7b0"
            + "29ff38c1d64d85e7837a97a0dba2f1b7e434d77af92890295fd43e7515724ae11b"),
    SignedText(
        key: "0000000000000000000000000000000000000000000000000000000000000001",
        address: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", text: signInText,
        digest: "5b3468e7a56941423c8419c751e71497e0ba87abed7ef0acc1ae2d3cb7ef8246",
        signature: "af018fe8744632cac31ea2817b8a7cd239c32b428fc4b90b69ec86a6c5c55ea2"
            + "1e82b7a521fa4233030921061f401bc3851338aeb32e5e4913a155728397ee6d1c"),
    SignedText(
        key: "0000000000000000000000000000000000000000000000000000000000000001",
        address: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", text: "a\r\nb\0c",
        digest: "dfdba83c68a11d5dcf99c889367473320beb7700f4030e54d27e42a519f4b4d2",
        signature: "222ed5aaadcc215946d61686f94832f930245675283a9dc3552cb3510b9e1886"
            + "0979744fd2bbfe6bdfd1fdb9dbd23a70b8913da2ff64718a79814c90ebe16d781c"),
    SignedText(
        key: "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
        address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", text: "",
        digest: "5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad",
        signature: "8a68b4e66cd2b575338e16069d7b65f6f67c7ceae8945dccf8cb7bdb06278d93"
            + "3dd9c888f3444ca4698464079a067ad3cfffe96d493b8ecf56885169d0fdfe7d1b"),
    SignedText(
        key: "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
        address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", text: "hello",
        digest: "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750",
        signature: "a5d58782075bdf09490159d634d1aae66a8f6777c7247d2f233e9511cfd7c64c"
            + "34f288cdbcea5370e4863fdbe9f4d86654c2ba1d86589e9ebb64494c649008591b"),
    SignedText(
        key: "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
        address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", text: "ünïcödé ☃ e\u{301}",
        digest: "8831c0e754c4bf416048672dbe589fb4616bb23f860d6e3a1d843e2df15c4adb",
        signature: "c50a1424661c4a5b4bc2efdc463d2fd29a140d25ba86ea6819b60dd748712f32"
            + "63c22a2dd50ef194109e4b9ae703e901e6b23d933f01b2a0ff8509fec88e419a1c"),
    SignedText(
        key: "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
        address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", text: signInText,
        digest: "5b3468e7a56941423c8419c751e71497e0ba87abed7ef0acc1ae2d3cb7ef8246",
        signature: "5cbaf507d9ca30cfc26870a9dc4e5a42469efcc23f6dd69b708b0e9fa01a9a80"
            + "478d2b2d1f1f4d00e09b6af280fe5d97c8a79dc28dd856d3500d7bedec23cec71c"),
    SignedText(
        key: "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318",
        address: "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23", text: "a\r\nb\0c",
        digest: "dfdba83c68a11d5dcf99c889367473320beb7700f4030e54d27e42a519f4b4d2",
        signature: "f0bbf9667ff87ebdd4eb8dbfcbc4004489ce1d3423c53694e90621f66dbe097d"
            + "05d6a03b17e0afe22ec89ba527b60fd17414dc7f15e7bf398ab9380a9475505a1b"),
    SignedText(
        key: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
        address: "0x80C0dbf239224071c59dD8970ab9d542E3414aB2", text: "",
        digest: "5f35dce98ba4fba25530a026ed80b2cecdaa31091ba4958b99b52ea1d068adad",
        signature: "7f0369ff554ebf5e11da5d6a7fac510d4d61a4635b14c2b70062c048b9b882b0"
            + "2b3d3c67492573d59fc2ae7739a14b2204775306623bda6bf7832b982c17abcd1c"),
    SignedText(
        key: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
        address: "0x80C0dbf239224071c59dD8970ab9d542E3414aB2", text: "hello",
        digest: "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750",
        signature: "8648246ef6426fcf581e12142a8ca3ff42ba15e5c01c8e64c184aa2a12883df2"
            + "4ccae02753833791cdf68e695fbfbc50f1a812f2485e735286d530bfdea9e47e1b"),
    SignedText(
        key: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
        address: "0x80C0dbf239224071c59dD8970ab9d542E3414aB2", text: "ünïcödé ☃ e\u{301}",
        digest: "8831c0e754c4bf416048672dbe589fb4616bb23f860d6e3a1d843e2df15c4adb",
        signature: "3064b48d917c95dfcb6265df95968f950680789ae4c53cd0db853f9484c971c9"
            + "578388149103f43d22e780a6c0372b97499114f8782a6a4a7fdae4352a14699a1c"),
    SignedText(
        key: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
        address: "0x80C0dbf239224071c59dD8970ab9d542E3414aB2", text: signInText,
        digest: "5b3468e7a56941423c8419c751e71497e0ba87abed7ef0acc1ae2d3cb7ef8246",
        signature: "8226be8f19778e0e74779b6519bc3c8634ab82ab1c4137fd8bb60bc93894ae9d"
            + "51abd2caf23a74d966aadd5676ba3b654a64d92c9933882d12b40f3b2fda23091b"),
    SignedText(
        key: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
        address: "0x80C0dbf239224071c59dD8970ab9d542E3414aB2", text: "a\r\nb\0c",
        digest: "dfdba83c68a11d5dcf99c889367473320beb7700f4030e54d27e42a519f4b4d2",
        signature: "c0d4ab1c7ab1455485ab043fff6759a5f3a14189afbbaf41feb19c2ebe3d55a1"
            + "477f69d37b47862d6573c53b260009bf531fb96feefdea957ad307cb311c7d2a1c"),
]

/// The sign-in text of the wire contract, section 3.1.
let signInText = """
    Please sign the below text for ownership verification.

    URI: https://app.avaprotocol.org
    Chain ID: 11155111
    Version: 1.9.6
    Issued At: 2026-04-13T09:30:00.000Z
    Expire At: 2026-04-15T09:30:00.000Z
    Wallet: 0x0000000000000000000000000000000000000001
    """
