import AVSPrimitives

extension KeystoreV3 {
    /// Keystore files have about 500 bytes.
    public static let sizeLimitBytes = 16_384

    /// Reads a file's bytes and checks everything that can be checked without the password.
    ///
    /// - Throws: ``KeystoreError/malformed(_:)``, ``KeystoreError/unsupported(_:)``,
    ///   ``KeystoreError/costOutOfBounds(_:)``.
    public init(json bytes: [UInt8]) throws(KeystoreError) {
        guard bytes.count <= Self.sizeLimitBytes else {
            throw .malformed("\(bytes.count) bytes, at most \(Self.sizeLimitBytes) are read")
        }
        let document: Fields
        do throws(JSONError) {
            document = Fields(try JSONValue(parsing: bytes, maximumDepth: 8, duplicateKeys: .refuse), path: "")
        } catch {
            throw .malformed("\(error)")
        }
        let version = try document.integer("version")
        guard version == 3 else { throw .unsupported("version is \(version), 3 is read") }
        // Old files of some tools write it with a capital letter.
        let crypto = try document.value["crypto"] == nil ? document.fields("Crypto") : document.fields("crypto")
        let cipher = try crypto.text("cipher")
        guard cipher == "aes-128-ctr" else { throw .unsupported("cipher is \(cipher), aes-128-ctr is read") }

        counter = try crypto.fields("cipherparams").bytes("iv", count: 16...16)
        // Some tools drop the key's leading zeros.
        ciphertext = try crypto.bytes("ciphertext", count: 1...32)
        mac = try crypto.bytes("mac", count: 32...32)
        (kdf, salt) = try Self.kdf(crypto)
        address = try document.optionalAddress("address")
        id = document.value["id"]?.stringValue
    }

    private static func kdf(_ crypto: Fields) throws(KeystoreError) -> (KDF, salt: [UInt8]) {
        let name = try crypto.text("kdf")
        let parameters = try crypto.fields("kdfparams")
        let keyCount = try parameters.integer("dklen")
        guard keyCount == 32 else { throw .unsupported("dklen is \(keyCount), 32 is read") }
        let salt = try parameters.bytes("salt", count: 0...1024)
        switch name {
        case "scrypt":
            let (n, r, p) = (try parameters.integer("n"), try parameters.integer("r"), try parameters.integer("p"))
            do throws(CryptoError) {
                return (.scrypt(try Scrypt.Cost(iterations: n, blockSize: r, parallelism: p)), salt)
            } catch {
                throw .costOutOfBounds("\(error)")
            }
        case "pbkdf2":
            let function = try parameters.text("prf")
            guard function == "hmac-sha256" else { throw .unsupported("prf is \(function), hmac-sha256 is read") }
            let iterations = try parameters.integer("c")
            guard (1...PBKDF2.iterationsLimit).contains(iterations) else {
                throw .costOutOfBounds("pbkdf2 c is \(iterations), allowed are 1 to \(PBKDF2.iterationsLimit)")
            }
            return (.pbkdf2(iterations: iterations), salt)
        default:
            throw .unsupported("kdf is \(name), scrypt and pbkdf2 are read")
        }
    }

    /// The file, as compact JSON.
    public var json: String {
        var document: [String: JSONValue] = [
            "version": 3,
            "crypto": [
                "cipher": "aes-128-ctr",
                "cipherparams": ["iv": .string(Hex.encode(counter))],
                "ciphertext": .string(Hex.encode(ciphertext)),
                "kdf": .string(kdfName),
                "kdfparams": kdfParameters,
                "mac": .string(Hex.encode(mac)),
            ],
        ]
        // Without 0x and in lower case, as other tools write and some of them demand.
        if let address { document["address"] = .string(Hex.encode(address.bytes)) }
        if let id { document["id"] = .string(id) }
        return JSONValue.object(document).serialized
    }

    private var kdfName: String {
        switch kdf {
        case .scrypt: "scrypt"
        case .pbkdf2: "pbkdf2"
        }
    }

    private var kdfParameters: JSONValue {
        let salt = JSONValue.string(Hex.encode(salt))
        return switch kdf {
        case .scrypt(let cost):
            [
                "dklen": 32, "salt": salt, "n": .number(Double(cost.iterations)),
                "r": .number(Double(cost.blockSize)), "p": .number(Double(cost.parallelism)),
            ]
        case .pbkdf2(let iterations):
            ["dklen": 32, "salt": salt, "c": .number(Double(iterations)), "prf": "hmac-sha256"]
        }
    }
}

/// An object of the file; its errors name the path of the field.
private struct Fields {
    let value: JSONValue
    let path: String

    init(_ value: JSONValue, path: String) { (self.value, self.path) = (value, path) }

    func fields(_ key: String) throws(KeystoreError) -> Fields {
        guard let inner = value[key], inner.objectValue != nil else { throw wrong(key, "an object") }
        return Fields(inner, path: path + key + ".")
    }

    func text(_ key: String) throws(KeystoreError) -> String {
        guard let text = value[key]?.stringValue, text.utf8.count <= 64 else { throw wrong(key, "a short text") }
        return text
    }

    func integer(_ key: String) throws(KeystoreError) -> Int {
        guard let number = value[key]?.integerValue else { throw wrong(key, "a whole number") }
        return Int(number)
    }

    func bytes(_ key: String, count: ClosedRange<Int>) throws(KeystoreError) -> [UInt8] {
        guard let bytes = value[key]?.stringValue.flatMap(Hex.decode), count.contains(bytes.count) else {
            let wanted = count.lowerBound == count.upperBound ? "\(count.upperBound)" : "up to \(count.upperBound)"
            throw wrong(key, "\(wanted) bytes in hexadecimal")
        }
        return bytes
    }

    func optionalAddress(_ key: String) throws(KeystoreError) -> Address? {
        guard let value = value[key], !value.isNull else { return nil }
        // Some tools write an empty text instead of leaving it out, to hide whose key it is.
        if value.stringValue == "" { return nil }
        guard let address = value.stringValue.flatMap({ Address($0) }) else { throw wrong(key, "an address") }
        return address
    }

    private func wrong(_ key: String, _ expected: String) -> KeystoreError {
        .malformed("\(path)\(key) is missing or not \(expected)")
    }
}
