package dev.lanyard.app

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class ResourcesTest {
    private fun strings(folder: String): Map<String, String> {
        val file = File("src/main/res/$folder/strings.xml")
        val nodes = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).getElementsByTagName("string")
        return (0 until nodes.length).map(nodes::item)
            .associate { it.attributes.getNamedItem("name").nodeValue to it.textContent }
    }

    private fun places(text: String) = Regex("""%\d\$[sd]""").findAll(text).map { it.value }.toSortedSet()

    @Test
    fun `both languages say the same things about the same values`() {
        val (english, german) = strings("values") to strings("values-de")
        assertEquals(english.keys, german.keys)
        english.forEach { (name, text) -> assertEquals(places(text), places(german.getValue(name)), name) }
    }

    @Test
    fun `the stand-in for the resources has their names`() {
        val names = R.string::class.java.declaredFields.filter { it.type == Int::class.java }.map { it.name }
        assertEquals(strings("values").keys, names.toSet())
    }
}
