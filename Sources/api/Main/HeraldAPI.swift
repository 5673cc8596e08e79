import API

@main
struct HeraldAPI {
    static func main() async {
        await APICommand.main()
    }
}
