import API
import ArgumentParser

@main
enum HeraldAPI {
    static func main() async { await APICommand.main() }
}
