// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "LanyardKit",
    platforms: [.iOS(.v16)],
    products: [.library(name: "LanyardKit", targets: ["LanyardKit"])],
    targets: [
        // made by ../build-xcframework.sh
        .binaryTarget(name: "LanyardFFI", path: "LanyardFFI.xcframework"),
        .target(
            name: "LanyardBindings",
            dependencies: ["LanyardFFI"],
            path: "Generated",
            exclude: ["LanyardFFI.h", "LanyardFFI.modulemap"]
        ),
        .target(name: "LanyardKit", dependencies: ["LanyardBindings"]),
    ]
)
