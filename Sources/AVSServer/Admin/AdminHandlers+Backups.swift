import AVSEngine
import AVSModel
import AVSPrimitives
import AVSProto
import AVSRPC
import AVSWire

extension AdminHandlers {
    var backupMethods: [RPCMethod] {
        [
            .unary(Wire.AdminMethods.createBackup) { _, call in try await createBackup(by: call.administrator) },
            .unary(Wire.AdminMethods.listBackups) { _, _ in
                let records = try await keeper().list()
                return .with { $0.items = records.map(Wire.Backup.init) }
            },
            .unary(Wire.AdminMethods.verifyBackup) { request, _ in
                Wire.Backup(try await keeper().verify(request.id))
            },
        ]
    }

    /// What was made is recorded after the fact: a backup changes nothing of the database.
    private func createBackup(by administrator: Administrator) async throws -> Wire.Backup {
        let record = try await keeper().create()
        try await engine.audit.record(
            AdminAct(by: administrator, action: "backup.create", object: "\(record.id)"))
        return Wire.Backup(record)
    }

    private func keeper() throws -> any BackupKeeping {
        guard let backups else { throw RPCStatus(.failedPrecondition, .invalidRequest, "nothing makes backups here") }
        return backups
    }
}

extension Wire.Backup {
    fileprivate init(_ record: BackupRecord) {
        self.init()
        id = record.id
        createdAt = record.createdAt.milliseconds
        bytes = record.bytes
        files = UInt32(clamping: record.files)
        lastCommit = record.commit.map { .commit($0) }
        switch record.proof {
        case .none: state = "not proven"
        case .proven(let at, let rows):
            state = "proven"
            checkedAt = at.milliseconds
            self.rows = Int64(rows)
        case .failed(let at, let reason):
            state = "no good"
            checkedAt = at.milliseconds
            problem = reason
        }
    }
}
