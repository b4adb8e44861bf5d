import AVSPrimitives
import Testing

@testable import AVSProto

@Suite("A message as JSON")
struct JSONTests {
    private let request: JSONValue = [
        "trigger": [
            "name": "start", "type": "TRIGGER_TYPE_MANUAL", "id": "start",
            "manual": ["config": ["lang": "LANG_JSON", "data": ["a": [1, true, nil, "x"]], "headers": ["k": "v"]]],
        ],
        "startAt": "0", "expiredAt": "9007199254740993", "maxExecution": "1", "smartWalletAddress": "", "name": "",
        "executionDeadlineSeconds": 60,
        "nodes": [
            [
                "id": "n", "name": "n", "type": "NODE_TYPE_BRANCH",
                "afterUnknownOutcome": "UNKNOWN_OUTCOME_UNSPECIFIED",
                "branch": ["config": ["conditions": [["id": "c", "type": "if", "expression": "true"]]]],
            ]
        ],
        "edges": [["id": "e", "source": "start", "target": "n"]],
        "inputVariables": ["settings": ["name": "n", "none": nil]],
    ]

    @Test("is read and written, and nothing is lost")
    func roundTrip() throws {
        let message = try ProtoJSON.message(Wire.CreateTaskReq.self, from: request)
        #expect(message.expiredAt == 9_007_199_254_740_993)
        #expect(message.trigger?.type == .manual)
        #expect(message.inputVariables == ["settings": ["name": "n", "none": nil]])
        #expect(ProtoJSON.json(message) == request)
    }

    @Test("numbers are texts or numbers, names are the schema's or JSON's")
    func leniency() throws {
        let json: JSONValue = [
            "max_execution": 3, "startAt": "5", "trigger": ["fixed_time": ["config": ["epochs": [1, "2"]]]],
        ]
        let message = try ProtoJSON.message(Wire.CreateTaskReq.self, from: json)
        #expect(message.maxExecution == 3 && message.startAt == 5)
        guard case .fixedTime(let fixed) = message.trigger?.triggerType else {
            Issue.record("no fixed-time trigger")
            return
        }
        #expect(fixed.config?.epochs == [1, 2])
        #expect(ProtoJSON.json(message)["trigger"]?["fixedTime"]?["config"]?["epochs"] == ["1", "2"])
    }

    @Test(
        "that cannot be read says where and what is allowed",
        arguments: [
            ("[]", "wanted an object, found []"),
            (#"{"nodes":{}}"#, "nodes: wanted an array, found {}"),
            (#"{"nodes":[{"id":1}]}"#, "nodes[0].id: wanted a text, found 1"),
            (#"{"maxExecution":1.5}"#, "maxExecution: wanted a whole number of 64 bits, found 1.5"),
            (#"{"edges":[{"from":"a"}]}"#, "edges[0]: unknown name 'from'; there are: id, source, target"),
            (#"{"trigger":{"manual":{},"cron":{}}}"#, "trigger: 'cron' and 'manual' cannot both be given"),
        ])
    func refused(text: String, problem: String) throws {
        let json = try JSONValue(parsing: text)
        let error = try #require(throws: ProtoJSONError.self) {
            try ProtoJSON.message(Wire.CreateTaskReq.self, from: json)
        }
        #expect(error.description == problem)
    }

    @Test("every type of the schema can be written")
    func everyType() {
        let schema = Schema.shared
        #expect(schema.messages["aggregator.CreateTaskReq"]?.fields.count == 10)
        for (name, message) in schema.messages where name.hasPrefix("aggregator.") {
            for field in message.fields {
                #expect(field.kind != .unsupported, "\(name).\(field.name)")
                if case .message(let type) = field.kind { #expect(schema.messages[type] != nil, "\(type)") }
                if case .enumeration(let type) = field.kind { #expect(schema.enums[type] != nil, "\(type)") }
            }
        }
    }
}
