import ArgumentParser
import CLI

@main
enum Herald {
    static func main() async { await HeraldCommand.start() }
}
